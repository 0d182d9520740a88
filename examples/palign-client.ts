/**
 * @file `palign/client`: an answer, the personas that there are, a stream, an error. It runs in a browser as it does here.
 *
 *     palign serve --model models/respondent --personas FOLDER
 *     PALIGN_URL=http://127.0.0.1:8080/v1 PALIGN_PERSONA=me npx tsx examples/palign-client.ts
 */
import { PalignApiError, palignClient } from 'palign/client'

const { PALIGN_URL = '', PALIGN_API_KEY, PALIGN_MODEL = 'respondent', PALIGN_PERSONA = 'me' } = process.env
const palign = palignClient({ baseUrl: PALIGN_URL, apiKey: PALIGN_API_KEY })
const messages = [{ role: 'user', content: 'What do you do on a free evening?' }] as const
const request = { model: PALIGN_MODEL, messages, max_completion_tokens: 24, temperature: 0 }

const personas = (await palign.models.list()).filter(({ parent }) => parent !== null)
console.log('personas:', personas.map(({ id }) => id).join(' '))

const unsteered = await palign.chat.complete(request)
console.log('unsteered:', unsteered.choices[0]?.message.content)

// Several personas add up: [{ id: 'one' }, { id: 'other', alpha: -1 }].
for await (const event of palign.chat.stream({ ...request, persona: { id: PALIGN_PERSONA, alpha: 2 } })) {
  if (event.kind === 'start') process.stdout.write(`${event.persona}: `)
  if (event.kind === 'text') process.stdout.write(event.text)
  if (event.kind === 'usage') console.log(`\n${event.usage.completion_tokens} tokens`)
}

try {
  await palign.chat.complete({ ...request, persona: 'nobody' })
} catch (error) {
  if (!(error instanceof PalignApiError)) throw error
  console.log(`refused: ${error.code}: ${error.message}`)
}
