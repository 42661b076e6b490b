const phone = require("./phone.cjs");

exports.fetch = async () => ({ isConnected: phone.isOnline });

exports.addEventListener = (listener) => {
  phone.listeners.add(listener);
  return () => phone.listeners.delete(listener);
};
