'use strict';

const logger = require('../logger');

// A line for each request, as the suite's gateway writes one.
module.exports = function accessLog(req, res, next) {
  const began = process.hrtime.bigint();
  res.once('finish', () => {
    logger.info('request', {
      method: req.method,
      path: req.originalUrl,
      status: res.statusCode,
      milliseconds: Number(process.hrtime.bigint() - began) / 1e6,
      user: req.user?._id,
    });
  });
  next();
};
