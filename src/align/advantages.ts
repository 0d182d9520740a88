/**
 * @file From rewards to what proximal policy optimisation trains on: a penalty for leaving the reference at every token, generalised
 * advantage estimation (Schulman et al. 2015, arXiv 1506.02438), and the coefficient that keeps the divergence near its target
 * (Ziegler et al. 2019, arXiv 1909.08593, section 2.2).
 */

export interface TokenScores {
  /** `[completion]`: log-probabilities of the policy and of the reference, nats. */
  readonly policy: Float32Array
  readonly reference: Float32Array
}

/** log p(policy) - log p(reference) summed over the completion: an estimate of the divergence, negative at times. */
export function divergenceOf({ policy, reference }: TokenScores): number {
  return policy.reduce((sum, log, i) => sum + log - reference[i]!, 0)
}

/** `[completion]`: minus coefficient times the log ratio at every token, and the reward of the text at the last. */
export function tokenRewards(scores: TokenScores, reward: number, coefficient: number): Float32Array {
  return scores.policy.map((log, i, { length }) => -coefficient * (log - scores.reference[i]!) + (i === length - 1 ? reward : 0))
}

/**
 * advantage[t] = sum over k of (gamma lambda)^k (reward[t+k] + gamma value[t+k+1] - value[t+k]), the value after the end being 0;
 * returns are advantages plus values.
 */
export function generalisedAdvantages(
  rewards: Float32Array,
  values: Float32Array,
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number },
): { readonly advantages: Float32Array; readonly returns: Float32Array } {
  const advantages = new Float32Array(rewards.length)
  let next = 0
  for (let t = rewards.length - 1; t >= 0; t--) {
    const surprise = rewards[t]! + gamma * (values[t + 1] ?? 0) - values[t]!
    next = surprise + gamma * lambda * next
    advantages[t] = next
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) }
}

const TINY = 1e-8

/** All advantages of a batch with mean 0 and variance 1 over its tokens; one token alone has nothing to differ from: 0. */
export function whitened(batch: readonly Float32Array[]): Float32Array[] {
  let count = 0
  let sum = 0
  let squares = 0
  for (const values of batch) {
    for (const value of values) {
      count++
      sum += value
      squares += value * value
    }
  }
  const mean = sum / count
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean))
  return batch.map((values) => values.map((value) => (value - mean) / (deviation + TINY)))
}

export interface KlControl {
  readonly initial: number
  /** Divergence of a whole completion to aim at, nats. */
  readonly target: number
  /** Completions over which a steady error of 20 % changes the coefficient by a factor of about e^.2. */
  readonly horizon: number
}

const LARGEST_ERROR = 0.2

/** The next coefficient after a batch of completions with this mean divergence. */
export function adaptedCoefficient(
  coefficient: number,
  divergence: number,
  completions: number,
  { target, horizon }: Pick<KlControl, 'target' | 'horizon'>,
): number {
  const error = Math.min(LARGEST_ERROR, Math.max(-LARGEST_ERROR, divergence / target - 1))
  return coefficient * (1 + (error * completions) / horizon)
}
