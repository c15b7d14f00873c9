import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { converse } from './conversation.ts'
import type { Conversation, Stage } from './conversation.ts'
import { watchLeaks } from './leaks.ts'
import type { RedisServer } from './redis-server.ts'
import { startSentinelGroup } from './sentinel-group.ts'
import type { SentinelGroup, SentinelGroupOptions } from './sentinel-group.ts'
import { openTarget, showLogsOnFailure } from './target.ts'
import type { Target } from './target.ts'

export interface ConformanceStage extends Stage {
  readonly target: Target
}

/** A master with one replica and one sentinel that has no reason to intervene, and the target. */
export function conformanceStage(
  options: SentinelGroupOptions & { readonly proxyArgs?: readonly string[] } = {},
): () => ConformanceStage {
  let group: SentinelGroup | undefined
  let target: Target | undefined
  watchLeaks()
  showLogsOnFailure(() => target)
  beforeAll(async () => {
    group = await startSentinelGroup({
      replicas: 1,
      sentinels: 1,
      downAfterMs: 60_000,
      ...options,
      // With the default of 10 a server looks for timeouts only every 100 ms.
      nodeConfig: ['enable-debug-command yes', 'hz 100', ...(options.nodeConfig ?? [])],
    })
    target = await openTarget(group, { args: options.proxyArgs ?? [] })
  }, 60_000)
  afterAll(async () => {
    await target?.stop()
    await group?.stop()
  }, 30_000)
  return () => {
    if (group === undefined || target === undefined) throw new Error('the stage is not set')
    return { group, target, master: group.knownMaster }
  }
}

/** Each conversation is held with the server itself, then with the target: every byte is the same. */
export function conformance(
  title: string,
  conversations: readonly Conversation[],
  stage: () => ConformanceStage,
): void {
  describe(title, () => {
    test.each(conversations.map((each) => [`${each.item}. ${each.title}`, each] as const))(
      '%s',
      async (_name, conversation) => {
        const { master, group, target } = stage()
        await clean(master)
        const direct = await converse(master.port, { master, group }, conversation)
        await clean(master)
        const through = await converse(target.port, { master, group }, conversation)
        expect(through).toEqual(direct)
      },
      30_000,
    )
  })
}

async function clean(master: RedisServer): Promise<void> {
  for (const command of [['FLUSHALL'], ['SCRIPT', 'FLUSH'], ['FUNCTION', 'FLUSH']]) {
    await master.command(...command)
  }
}
