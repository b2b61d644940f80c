'use strict';

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set`);
  return value;
}

function number(name, otherwise) {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a whole number`);
  return value;
}

module.exports = {
  host: process.env.HOST ?? '127.0.0.1',
  port: number('PORT', 5000),
  mongoUrl: required('MONGODB_URI'),
  jwtSecret: required('JWT_SECRET'),
  jwtSeconds: number('JWT_SECONDS', 900),
  // Requests of an address in 15 minutes, as the original has it; a load test puts it out of the way.
  rateLimit: number('RATE_LIMIT', 100),
  bcryptRounds: number('BCRYPT_ROUNDS', 10),
  logFile: process.env.LOG_FILE ?? 'combined.log',
};
