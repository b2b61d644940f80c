'use strict';

const mongoose = require('mongoose');

const STATUSES = ['pending', 'in-progress', 'completed'];
const PRIORITIES = ['low', 'medium', 'high'];
const FIELDS = [
  'title', 'description', 'status', 'priority', 'dueDate', 'createdAt', 'updatedAt', 'completedAt',
];

const taskSchema = new mongoose.Schema({
  user: { type: mongoose.Schema.Types.ObjectId, ref: 'User', required: true },
  title: { type: String, required: true, trim: true, maxlength: 200 },
  description: { type: String, default: '', trim: true, maxlength: 10_000 },
  status: { type: String, enum: STATUSES, default: 'pending', required: true },
  priority: { type: String, enum: PRIORITIES, default: 'medium', required: true },
  dueDate: { type: Date, default: null },
  completedAt: { type: Date, default: null },
}, { timestamps: true, versionKey: false });

// The original has a text index besides; the suite's engines for development have none, so neither has this.
taskSchema.index({ user: 1, createdAt: -1 });
taskSchema.index({ user: 1, status: 1 });
taskSchema.index({ user: 1, priority: 1 });

module.exports = mongoose.model('Task', taskSchema);
Object.assign(module.exports, { FIELDS, PRIORITIES, STATUSES });
