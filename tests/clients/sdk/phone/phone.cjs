// The phone itself: `isOnline` and what is written to it; the tests change it.
const fs = require("node:fs");

const file = process.env.PHONE_STORAGE;

/** Everything stored, by key; it outlives the app. */
exports.stored = () => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {});

exports.store = (values) => fs.writeFileSync(file, JSON.stringify(values));

exports.isOnline = true;
exports.listeners = new Set();

/** Go online or offline; tells all who listen. */
exports.connect = (isOnline) => {
  exports.isOnline = isOnline;
  exports.listeners.forEach((listener) => listener({ isConnected: isOnline }));
};
