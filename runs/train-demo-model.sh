#!/usr/bin/env bash
# The demo model from nothing: ./runs/train-demo-model.sh [FOLDER]. Called again with the same folder, it goes on where it stopped.
# FOLDER holds corpus, checkpoints and the model of every stage; models/respondent and runs/results/demo-model.json are what comes of it.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-palign-output/respondent}
[ -d node_modules ] || npm ci
npm run build
npx tsx runs/respondent/train.ts "$folder"
npx tsx runs/respondent/check.ts "$folder" | npx tsx runs/record.ts demo-model
npx tsx runs/respondent/write-model.ts "$folder" models/respondent
