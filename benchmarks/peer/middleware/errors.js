'use strict';

const logger = require('../logger');

// What is known to go wrong, with the status that says so.
class HttpError extends Error {
  constructor(status, message, errors) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

function notFound(req, res) {
  res.status(404).json({ message: 'There is nothing here' });
}

// Express knows an error handler by its four parameters.
function failed(error, req, res, next) { // eslint-disable-line no-unused-vars
  if (error.name === 'ValidationError') {
    const errors = Object.values(error.errors).map(({ path, message }) => ({ field: path, message }));
    return res.status(422).json({ message: 'The input is wrong', errors });
  }
  if (error.status >= 400 && error.status < 500) {
    return res.status(error.status).json({ message: error.message, errors: error.errors });
  }
  logger.error('failed', { path: req.originalUrl, error: error.stack });
  return res.status(500).json({ message: 'Something went wrong' });
}

module.exports = { HttpError, failed, notFound };
