// A telephone for the React Native entry of the SDK: what the platform gives, in memory. Its network is switched by `phone.isOnline`.
const Module = require("node:module");

const stored = new Map(Object.entries(JSON.parse(process.env.PHONE_STORAGE || "{}")));
const listeners = [];
const phone = {
  isOnline: true,
  stored,
  setOnline(isOnline) {
    phone.isOnline = isOnline;
    for (const listener of listeners) listener({ isConnected: isOnline });
  },
};
const AsyncStorage = {
  getItem: async (key) => (stored.has(key) ? stored.get(key) : null),
  setItem: async (key, value) => void stored.set(key, value),
  removeItem: async (key) => void stored.delete(key),
};
const NetInfo = {
  fetch: async () => ({ isConnected: phone.isOnline }),
  addEventListener(listener) {
    listeners.push(listener);
    return () => {};
  },
};
const modules = {
  "@react-native-async-storage/async-storage": { __esModule: true, default: AsyncStorage },
  "@react-native-community/netinfo": { __esModule: true, default: NetInfo },
  "expo-constants": { __esModule: true, default: { expoConfig: { version: "1.2.3" } } },
  "expo-device": { __esModule: true, osVersion: "18.3", modelName: "iPhone 16" },
  "react-native": {
    Dimensions: { get: () => ({ width: 390, height: 844 }), addEventListener: () => ({ remove() {} }) },
    NativeModules: {},
    Platform: { OS: "ios", Version: "18.3" },
  },
  react: { createContext: () => ({}) },
  "react/jsx-runtime": {},
};
const load = Module._load;
Module._load = (name, ...rest) => modules[name] || load(name, ...rest);

module.exports = phone;
