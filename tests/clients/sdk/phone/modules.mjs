// What takes the place of the native modules that the SDK's React Native entry imports.
const FILES = {
  "@react-native-async-storage/async-storage": "./async-storage.cjs",
  "@react-native-community/netinfo": "./netinfo.cjs",
  "expo-constants": "./expo-constants.cjs",
  "expo-device": "./expo-device.cjs",
  "react-native": "./react-native.cjs",
};

/** The address of the file that stands for the module `name`; undefined for all other modules. */
export function standIn(name) {
  return FILES[name] && new URL(FILES[name], import.meta.url);
}
