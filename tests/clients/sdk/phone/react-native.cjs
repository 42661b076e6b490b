exports.Platform = { OS: "ios", Version: "18.3.2" };

exports.NativeModules = { SettingsManager: { settings: { AppleLocale: "de_DE" } } };

exports.Dimensions = {
  get: () => ({ width: 402, height: 874 }),
  addEventListener: () => ({ remove: () => {} }),
};
