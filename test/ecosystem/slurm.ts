/** Slurm on the loopback, for one test: its two daemons and munge, as the account that runs the test, in a folder of their own. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from './engines';

/** A cluster of one node with two processors. */
export interface Cluster {
  /** The environment in which sbatch and its kin find it. */
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** Starts a cluster and waits until its node is idle. @throws Error with the logs, where it does not become so */
export async function startSlurm(folder: string): Promise<Cluster> {
  for (const name of ['state', 'spool']) mkdirSync(join(folder, name));
  const env = {
    ...process.env,
    PATH: `${process.env.PATH}${delimiter}/usr/sbin`,
    SLURM_CONF: join(folder, 'slurm.conf'),
  };
  const key = join(folder, 'munge.key');
  writeFileSync(key, randomBytes(128), { mode: 0o400 });
  writeFileSync(env.SLURM_CONF, configuration(folder, await freePort(), await freePort()));
  const own = (name: string) => join(folder, `munge.${name}`);
  const files = {
    'key-file': key,
    socket: own('sock'),
    'pid-file': own('pid'),
    'log-file': own('log'),
    'seed-file': own('seed'),
  };
  // --force: the folder lies in one that everybody may write to
  const daemons = [
    spawn('munged', ['--foreground', '--force', '--num-threads=1', ...Object.entries(files).map(([name, path]) => `--${name}=${path}`)], { env, stdio: 'ignore' }), // prettier-ignore
    spawn('slurmctld', ['-D'], { env, stdio: 'ignore' }),
    spawn('slurmd', ['-D'], { env, stdio: 'ignore' }),
  ];
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.reverse()) await ended(daemon);
  };
  while (daemons.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    const { stdout } = spawnSync('sinfo', ['-h', '-o', '%T'], { env, encoding: 'utf8' });
    if (stdout.trim() === 'idle') return { env, stop };
    await new Promise(setImmediate); // in which the end of a daemon is noticed
  }
  await stop();
  const logs = ['slurmctld.log', 'slurmd.log', 'munge.log'].map((name) => join(folder, name)).filter(existsSync);
  throw new Error(`Slurm did not start:\n${logs.map((path) => readFileSync(path, 'utf8').slice(-2000)).join('\n')}`);
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill('SIGTERM');
  await once(daemon, 'exit');
}

function configuration(folder: string, controller: number, node: number): string {
  const [host] = hostname().split('.');
  const { username } = userInfo();
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=${join(folder, 'munge.sock')}
CredType=cred/munge
SlurmUser=${username}
SlurmdUser=${username}
SlurmctldPort=${controller}
SlurmdPort=${node}
StateSaveLocation=${join(folder, 'state')}
SlurmdSpoolDir=${join(folder, 'spool')}
SlurmctldPidFile=${join(folder, 'slurmctld.pid')}
SlurmdPidFile=${join(folder, 'slurmd.pid')}
SlurmctldLogFile=${join(folder, 'slurmctld.log')}
SlurmdLogFile=${join(folder, 'slurmd.log')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`;
}
