const phone = require("./phone.cjs");

exports.getItem = async (key) => phone.stored()[key] ?? null;

exports.setItem = async (key, value) => phone.store({ ...phone.stored(), [key]: value });

exports.removeItem = async (key) => {
  const { [key]: removed, ...rest } = phone.stored();
  phone.store(rest);
};
