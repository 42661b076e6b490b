exports.modelName = "iPhone 16 Pro";
exports.osVersion = "18.3.2";
exports.deviceType = 1;
