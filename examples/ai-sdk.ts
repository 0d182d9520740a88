/**
 * @file The AI SDK against palign: an answer, a persona, a stream, an error.
 *
 *     palign serve --model models/respondent --personas FOLDER
 *     PALIGN_URL=http://127.0.0.1:8080/v1 PALIGN_PERSONA=me npx tsx examples/ai-sdk.ts
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'

const { PALIGN_URL = '', PALIGN_API_KEY = '', PALIGN_MODEL = 'respondent', PALIGN_PERSONA = 'me' } = process.env
const palign = createOpenAICompatible({ name: 'palign', baseURL: PALIGN_URL, apiKey: PALIGN_API_KEY, includeUsage: true })
const settings = { prompt: 'What do you do on a free evening?', maxOutputTokens: 24, temperature: 0 }

const unsteered = await generateText({ ...settings, model: palign(PALIGN_MODEL) })
console.log('unsteered:', unsteered.text)

// A persona is part of the model's name. A strength of its own goes into the options of the provider called palign.
const { textStream, usage } = streamText({
  ...settings,
  model: palign(PALIGN_MODEL),
  providerOptions: { palign: { persona: { id: PALIGN_PERSONA, alpha: 2 } } },
})
process.stdout.write(`${PALIGN_PERSONA}: `)
for await (const text of textStream) process.stdout.write(text)
console.log(`\n${(await usage).outputTokens} tokens`)

try {
  await generateText({ ...settings, model: palign(`${PALIGN_MODEL}@nobody`) })
} catch (error) {
  if (!APICallError.isInstance(error)) throw error
  const { error: refusal } = error.data as { error: { code: string } }
  console.log(`refused: ${refusal.code}: ${error.message}`)
}
