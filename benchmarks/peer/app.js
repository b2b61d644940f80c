'use strict';

const compression = require('compression');
const express = require('express');
const { rateLimit } = require('express-rate-limit');
const helmet = require('helmet');

const accessLog = require('./middleware/access-log');
const { failed, notFound } = require('./middleware/errors');
const settings = require('./settings');

function createApp() {
  const app = express();
  app.use(accessLog);
  app.use(helmet());
  app.use(compression());
  app.get('/healthz', (req, res) => res.json({ status: 'ok' }));
  app.use('/api', rateLimit({
    windowMs: 15 * 60 * 1000,
    limit: settings.rateLimit,
    standardHeaders: true,
    legacyHeaders: false,
    message: { message: 'Too many requests from this IP' },
  }));
  app.use(express.json({ limit: '1mb' }));
  app.use('/api/v1/auth', require('./routes/auth'));
  app.use('/api/v1/users', require('./routes/users'));
  app.use('/api/v1/tasks', require('./routes/tasks'));
  app.use(notFound);
  app.use(failed);
  return app;
}

module.exports = { createApp };
