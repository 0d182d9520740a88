#!/usr/bin/env bash
# The stored results from nothing: ./runs/reproduce.sh FOLDER, where FOLDER holds papi/Test-set.json (the 300 PAPI test persons) and bench/ with the folders
# personality, reasoning, truthfulness and safety. About four hours on two cores; a second call goes on where the first was stopped (runs/work).
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:?usage: runs/reproduce.sh FOLDER}
npm ci
npm run build
work=runs/work
mkdir -p "$work"
palign() { node dist/cli/main.js "$@"; }
store() { npx tsx runs/record.ts "$1"; }

evaluate() { # NAME, then options of palign evaluate
  local name=$1
  shift
  palign evaluate --model models/respondent --data "$data/papi/Test-set.json" --seed 1 --store "$work/evaluate" "$@" --json | store "$name"
}

arms=unchanged,few-shot,personality-prompt,pas,pas:published,few-shot+pas,few-shot+pas:published,personality-prompt+pas,personality-prompt+pas:published
evaluate papi-300-respondent --methods "$arms,pas:flipped,pas:random"
evaluate papi-30-respondent-items --methods unchanged,few-shot,personality-prompt,pas,pas:published,pas:as-published --respondents 30 --items 5,10,20,40,80,120
evaluate papi-30-respondent-forms --methods unchanged,few-shot,personality-prompt,pas,pas:published,few-shot+pas --respondents 30 --forms all
evaluate papi-30-respondent --methods unchanged,few-shot,pas,pas:published,dpo,ppo --respondents 30 # an hour and a half
evaluate papi-300-respondent-few-shot-descending --methods unchanged,few-shot --orders descending

# What tying heads to their key/value group costs, on a grouped-query variant of the demo model that is trained for it.
npx tsx runs/respondent/grouped.ts "$work/grouped"
palign evaluate --model "$work/grouped/trained" --data "$data/papi/Test-set.json" --respondents 30 --seed 1 --methods unchanged,few-shot,personality-prompt,pas,pas:kv-tied --json |
  store papi-30-grouped-kv-tied

# Side effects and behaviour: personas of simulated persons, since no model is to speak as one of the test persons.
for seed in 0 1; do
  palign demo --seed "$seed" --out "$work/simulated-$seed.safetensors" --json >"$work/demo-$seed.json"
done
personas=("$work/simulated-0.safetensors" "$work/simulated-1.safetensors")
store demo-seed-0 <"$work/demo-0.json"
palign behave --model models/respondent --bench "$data/bench/personality" --seed 1 --store "$work/behave" --json | store behaviour-respondent
palign open-ended --model models/respondent --persona "${personas[@]}" --statements "$data/bench/personality" --max-tokens 48 --seed 1 --store "$work/open-ended" --json |
  store open-ended-respondent
palign capability --model models/respondent --bench "$data/bench" --persona "${personas[@]}" --limit 100 --seed 1 --store "$work/capability" --json |
  store capability-respondent-limit-100
palign safety --model models/respondent --bench "$data/bench/safety" --persona "${personas[@]}" --limit 50 --seed 1 --store "$work/safety" --json |
  store safety-respondent-limit-50

npm run bench
# The published numbers beside ours, and one page of all results.
npx tsx runs/published-table.ts
palign report runs/results/{papi,behaviour,open-ended,capability,safety}-*.json --out "$work/report"
# models/respondent and demo-model.json: runs/train-demo-model.sh
