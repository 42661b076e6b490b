exports.expoConfig = { version: "2.5.0" };
