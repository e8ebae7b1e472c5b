/** The whole module of a worker, as the documentation has it. */
import { serveTraining } from '../../src/labeling/index';

serveTraining();
