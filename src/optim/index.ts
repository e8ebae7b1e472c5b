/**
 * Optimizers and learning rate schedules.
 *
 * @module bptt/optim
 */
export { createAdam, createAdamW, type AdamOptions } from './adam.js';
export { createAverage, type AverageOptions, type AverageState, type WeightAverage } from './average.js';
export type { Optimizer, OptimizerState } from './optimizer.js';
export { createSchedule, parseSchedule, type Schedule, type ScheduleSpec, type ScheduleState } from './schedules.js';
export { createSgd, type SgdOptions } from './sgd.js';
