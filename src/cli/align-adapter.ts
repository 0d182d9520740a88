/** @file What `palign align` shows of an adapter: how its training went. */
import { NO_OPTION_REWARD } from '../align/reward.ts'
import type { AdapterPersona } from '../persona/persona.ts'
import { print, printJson } from './output.ts'

export function showAdapter(
  { method, training }: AdapterPersona,
  { out, model, json }: { out: string; model: string; json?: boolean },
): void {
  if (json) {
    printJson({ persona: out, method, training })
    return
  }
  print(`persona written to ${out}: an adapter, in the layout of PEFT`)
  if (training === undefined) return
  const { steps, curve, diverged, adapterWeights } = training
  print(`${adapterWeights} weights, ${steps} steps`)
  for (const { step, loss, reward, kl } of curve) {
    const policy = reward === undefined ? '' : `  reward ${reward.toFixed(3)}  divergence ${kl?.toFixed(3)} nats`
    print(`  step ${String(step).padStart(4)}  loss ${loss.toFixed(4)}${policy}`)
  }
  if (curve.length > 0 && curve.every(({ reward }) => reward === NO_OPTION_REWARD)) {
    print('the model never wrote the text of an option: every reward was the lowest, nothing was learnt')
  }
  if (diverged !== undefined) print(`training diverged and was stopped at step ${diverged.step}: ${diverged.reason}`)
  print(`next: palign generate --model ${model} --persona ${out} "Who are you?"`)
}
