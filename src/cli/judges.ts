/** @file The judges that the options of a command name, each with the key of its own host. */
import { PalignError } from '../errors.ts'
import { type JudgeClient, judgeClient } from '../node/judge-client.ts'

export interface JudgeOptions {
  readonly judge?: readonly string[]
  readonly judgeModel?: readonly string[]
}

/** @throws PalignError `invalid-input` for addresses and models that are no pairs, or a judge given twice */
export function judgesOf({ judge: urls = [], judgeModel: models = [] }: JudgeOptions, env: NodeJS.ProcessEnv): JudgeClient[] {
  if (urls.length !== models.length) {
    throw new PalignError('invalid-input', `judges have ${urls.length} addresses and ${models.length} models, expected as many`, {
      hint: 'give --judge and --judge-model in pairs',
    })
  }
  const judges: JudgeClient[] = []
  let firstHost: string | undefined
  for (const [index, url] of urls.entries()) {
    const host = URL.canParse(url) ? new URL(url).host : undefined
    firstHost ??= host
    // A key is for one host: the first one's is never sent to another.
    const shared = host === firstHost ? env.PALIGN_JUDGE_KEY : undefined
    const judge = judgeClient({ url, model: models[index]!, apiKey: env[`PALIGN_JUDGE_KEY_${index + 1}`] ?? shared })
    if (judges.some((other) => other.host === judge.host && other.model === judge.model)) {
      throw new PalignError('invalid-input', `judge ${judge.model} at ${judge.host} was given twice, expected different judges`)
    }
    judges.push(judge)
  }
  return judges
}
