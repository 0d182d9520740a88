import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listPulledModels, pulledFolderOf, removePulledModel } from '../../../src/node/pulled-models.ts'
import { namesIn, setting } from '../../fixtures/pull-setting.ts'

const NEXT = 'f'.repeat(40)

/** Two commits of one model, the later one from a hub of its own. */
async function twoCommits() {
  const set = await setting()
  await set.pull()
  const next = await setting({ commit: NEXT })
  await next.pull({ cache: set.cache })
  return { ...set, next }
}

describe('models that were pulled', () => {
  it('are listed by commit, with size and folder; others lie beside them unseen', async () => {
    const { cache, folder, server } = await twoCommits()
    await mkdir(join(cache, 'models/converted'), { recursive: true })
    const { models, damaged } = await listPulledModels(cache)
    expect(models.map(({ commit }) => commit)).toEqual([server.commit, NEXT])
    expect(models[0]).toMatchObject({ id: 'ada/respondent', revision: 'main', licence: 'mit', bytes: 300_030, folder })
    expect(damaged).toEqual([])
  })

  it('are none where nothing was', async () => {
    expect(await listPulledModels('/nonexistent')).toEqual({ models: [], damaged: [] })
  })

  it('with a lock that cannot be read are named and not counted', async () => {
    const { cache, folder } = await twoCommits()
    await writeFile(join(folder, 'palign-lock.json'), '{')
    const { models, damaged } = await listPulledModels(cache)
    expect(models).toHaveLength(1)
    expect(damaged).toEqual([folder])
  })

  it('are found by the revision of the hub that was asked', async () => {
    const { cache, folder, server, next } = await twoCommits()
    expect((await pulledFolderOf('ada/respondent', { cache, hub: server.url })).folder).toBe(folder)
    expect((await pulledFolderOf('ada/respondent', { cache, hub: next.server.url })).lock.commit).toBe(NEXT)
    await expect(pulledFolderOf('ada/respondent@v1', { cache, hub: server.url })).rejects.toThrow(/not pulled at revision v1/)
  })

  it('are removed with all commits, or one', async () => {
    const { cache, folder, server } = await twoCommits()
    const home = join(cache, 'models/ada--respondent')
    await mkdir(join(home, '.aaaaaaaaaaaa.partial'))
    expect(await removePulledModel('ada/respondent@main', { cache, hub: server.url })).toEqual([folder])
    expect(await namesIn(home)).toEqual(['.aaaaaaaaaaaa.partial', NEXT.slice(0, 12), 'refs.json'])
    expect(await removePulledModel('ada/respondent', { cache, hub: server.url })).toHaveLength(2)
    expect(await namesIn(join(cache, 'models'))).toEqual([])
    await expect(removePulledModel('ada/respondent', { cache, hub: server.url })).rejects.toThrow(
      expect.objectContaining({ code: 'not-found' }),
    )
  })

  it('are removed by no name that leads elsewhere (S-01)', async () => {
    for (const id of ['../x', 'ada/..', 'ada', '/']) {
      await expect(removePulledModel(id, { cache: '/nonexistent', hub: 'https://hub.example' })).rejects.toThrow(
        /no name of a hub/,
      )
    }
  })
})
