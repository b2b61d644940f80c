'use strict';

const jwt = require('jsonwebtoken');

const User = require('../models/user');
const settings = require('../settings');
const { HttpError } = require('./errors');

// Only for who is logged in: `req.user` is the person as the database has them now.
module.exports = async function protect(req, res, next) {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  if (scheme !== 'Bearer' || !token) throw new HttpError(401, 'Not authorized, no token');
  let claims;
  try {
    claims = jwt.verify(token, settings.jwtSecret, { algorithms: ['HS256'] });
  } catch {
    throw new HttpError(401, 'Not authorized, token failed');
  }
  req.user = await User.findById(claims.id).select('name email roles createdAt updatedAt').lean();
  if (!req.user) throw new HttpError(401, 'Not authorized, user not found');
  next();
};
