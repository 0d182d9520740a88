#!/usr/bin/env bash
# The stored results from nothing: ./runs/reproduce.sh FOLDER, where FOLDER holds papi/Test-set.json (the 300 PAPI test persons).
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:?usage: runs/reproduce.sh FOLDER}
npm ci
npm run build

evaluate() { # NAME, MODEL, then options of palign evaluate
  local name=$1 model=models/$2
  shift 2
  node dist/cli/main.js evaluate --model "$model" --data "$data/papi/Test-set.json" "$@" --json | npx tsx runs/record.ts "$name"
}

evaluate papi-30-respondent respondent --methods unchanged,few-shot,pas,pas:published,dpo,ppo --respondents 30 --seed 1 # an hour and a half
evaluate papi-300-respondent-few-shot-descending respondent --methods unchanged,few-shot --seed 1 --orders descending
node dist/cli/main.js demo --seed 0 --json | npx tsx runs/record.ts demo-seed-0
npm run bench
# models/respondent and demo-model.json: runs/train-demo-model.sh
