'use strict';

const winston = require('winston');

const settings = require('./settings');

module.exports = winston.createLogger({
  level: 'info',
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  transports: [new winston.transports.File({ filename: settings.logFile })],
});
