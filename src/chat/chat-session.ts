/**
 * @file A chat: what was said, who answers next, and answers as streams of events. Personas, strength, seed and system message may change between
 * turns; the whole history goes to whoever answers. An answer that is stopped stays, marked as stopped; one that fails leaves everything as it was.
 */
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { answer, type ChatSettings } from './answer.ts'
import { type Side, type Sided, sideBySide } from './side-by-side.ts'
import { NOBODY, type PreparedSpeaker, prepareSpeaker, type Speaker } from './speaker.ts'
import type { ChatEvent, Turn } from './turn.ts'

export interface ChatOptions {
  readonly model: Pick<LanguageModel, 'render' | 'shape' | 'generate' | 'fingerprint'>
  /** Default nobody: the base model. */
  readonly speaker?: Speaker | undefined
  /** Message of the system beside the persona's own prompt. */
  readonly system?: string | undefined
  readonly seed?: number | undefined
  readonly settings?: ChatSettings | undefined
  /** What was said before. */
  readonly turns?: readonly Turn[] | undefined
}

export interface ChatState {
  readonly turns: readonly Turn[]
  readonly speaker: Speaker
  /** The strength in effect; undefined for what has none. */
  readonly alpha: number | undefined
  readonly system: string | undefined
  readonly seed: number
  readonly settings: ChatSettings
  /** Fingerprint of the model. */
  readonly model: string
}

interface Stoppable {
  readonly signal?: AbortSignal | undefined
}

export interface ChatChange {
  readonly speaker?: Speaker
  readonly seed?: number
  /** `null` takes it away. */
  readonly system?: string | null
}

export interface ChatSession {
  state(): ChatState
  /** @throws PalignError where the speaker cannot be applied; then nothing has changed */
  change(change: ChatChange): void
  /** Answers a message. */
  send(prompt: string, options?: Stoppable): AsyncIterable<ChatEvent>
  /** Answers the last message anew: with the next seed, or, where speaker, system message or seed have changed, with the seed that is set. */
  regenerate(options?: Stoppable): AsyncIterable<ChatEvent>
  /** Two speakers answer one message with one seed. Neither answer becomes part of the history. */
  compare(prompt: string, speakers: Readonly<Record<Side, Speaker>>, options?: Stoppable): AsyncIterable<Sided<ChatEvent>>
  /** Takes the last turn back. */
  undo(): Turn | undefined
  clear(): void
  /** Another chat that goes on from here. */
  fork(speaker?: Speaker): ChatSession
}

/** @throws PalignError where the speaker cannot be applied to the model */
export function chatSession({
  model,
  speaker = NOBODY,
  system,
  seed = 0,
  settings = {},
  turns: before = [],
}: ChatOptions): ChatSession {
  let now = { prepared: prepareSpeaker(speaker, model), system, seed }
  let turns = before
  let isAnswering = false

  function assertIdle(): void {
    if (isAnswering)
      throw new PalignError('invalid-input', 'answer is still being given, expected its end before what comes next')
  }

  async function* answering(
    prompt: string,
    { signal, earlier, attempt = 0 }: Stoppable & { readonly earlier: readonly Turn[]; readonly attempt?: number },
  ): AsyncGenerator<ChatEvent, void, undefined> {
    assertIdle()
    isAnswering = true
    const { prepared, system, seed } = now
    const keep = (turn: Turn) => {
      turns = [...earlier, turn]
    }
    const request = { model, turns: earlier, prompt, system, speaker: prepared, settings, signal, attempt, keep }
    try {
      yield* answer({ ...request, seed: seed + attempt })
    } finally {
      isAnswering = false
    }
  }

  const fork = (other: Speaker = now.prepared.speaker) =>
    chatSession({ model, speaker: other, system: now.system, seed: now.seed, settings, turns })

  return {
    fork,
    state: () => ({
      turns,
      speaker: now.prepared.speaker,
      alpha: now.prepared.alpha,
      system: now.system,
      seed: now.seed,
      settings,
      model: model.fingerprint,
    }),
    change({ speaker, seed = now.seed, system = now.system }) {
      assertIdle()
      if (!Number.isSafeInteger(seed) || seed < 0) {
        throw new PalignError('invalid-input', `seed is ${seed}, expected a whole number of at least 0`)
      }
      const prepared = speaker === undefined ? now.prepared : prepareSpeaker(speaker, model)
      now = { prepared, seed, system: system ?? undefined }
    },
    send: (prompt, options) => answering(prompt, { ...options, earlier: turns }),
    regenerate(options) {
      const last = turns.at(-1)
      if (last === undefined) throw new PalignError('invalid-input', 'chat has no answer yet, expected one to give anew')
      const attempt = isAsBefore(last, now) ? last.attempt + 1 : 0
      return answering(last.prompt, { ...options, earlier: turns.slice(0, -1), attempt })
    },
    compare(prompt, { left, right }, options) {
      assertIdle()
      return sideBySide(fork(left).send(prompt, options), fork(right).send(prompt, options))
    },
    undo() {
      assertIdle()
      const last = turns.at(-1)
      turns = turns.slice(0, -1)
      return last
    },
    clear() {
      assertIdle()
      turns = []
    },
  }
}

function isAsBefore(
  { persona, alpha, system, seed, attempt }: Turn,
  now: { readonly prepared: PreparedSpeaker; readonly system: string | undefined; readonly seed: number },
): boolean {
  const { prepared } = now
  return persona === prepared.speaker.id && alpha === prepared.alpha && system === now.system && seed - attempt === now.seed
}
