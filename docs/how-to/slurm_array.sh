#!/bin/bash
# 100,000 samples by 50 tasks that may run at any time, in any order, and again after a failure:
#   sbatch docs/how-to/slurm_array.sh
#SBATCH --job-name=fundusgen
#SBATCH --array=0-49
#SBATCH --cpus-per-task=4
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
# two minutes before its time is up a task is told to stop: it ends its batch, and goes on when it is queued again
exec fundusgen generate -n 100000 -o "$SCRATCH/fundus100k" --mask-source ddpm --part "$SLURM_ARRAY_TASK_ID/50" --quiet
