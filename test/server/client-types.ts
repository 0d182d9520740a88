/** @file That what the server gives is what `palign/client` says that it gives: the compiler refuses this file where it is not. */
import type { z } from 'zod'
import type { ChatCompletion, Completion, Health, Model, Props } from '../../src/client/index.ts'
import type {
  chatAnswer,
  completionAnswer,
  healthAnswer,
  modelAnswer,
  modelsAnswer,
  propsAnswer,
  textAnswer,
  tokensAnswer,
} from '../../src/server/answer-schemas.ts'

type Holds<Given extends Promised, Promised> = Given

export type Held = [
  Holds<z.infer<typeof chatAnswer>, ChatCompletion>,
  Holds<z.infer<typeof completionAnswer>, Completion>,
  Holds<z.infer<typeof modelAnswer>, Model>,
  Holds<z.infer<typeof modelsAnswer>, { readonly data: readonly Model[] }>,
  Holds<z.infer<typeof healthAnswer>, Health>,
  Holds<z.infer<typeof propsAnswer>, Props>,
  Holds<z.infer<typeof tokensAnswer>, { readonly tokens: readonly number[] }>,
  Holds<z.infer<typeof textAnswer>, { readonly content: string }>,
]
