// One schema, one set of resolvers, one connection pool: what the peers share, so that only their servers differ.
// The documents that the benches send to our API run here word for word.
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, jwtVerify } from 'jose'
import pg from 'pg'

export const port = Number(process.argv[2])
const pool = new pg.Pool({ connectionString: process.env.PEER_DATABASE_URL, max: 20 })
const keys = createLocalJWKSet(JSON.parse(readFileSync(process.env.PEER_KEYS_FILE, 'utf8')))

export const typeDefs = /* GraphQL */ `
  scalar Decimal
  scalar Cursor
  type Money { amount: Decimal! currency: String! }
  type Actor { kind: String! id: ID! name: String }
  type Recommendation {
    id: ID! version: Int! status: String! campaignName: String! confidence: Float! rationale: String!
    currentBudget: Money! proposedBudget: Money!
  }
  type Adjustment { id: ID! status: String! }
  type UserError { message: String! code: String! }
  type Recommendations { nodes: [Recommendation!]! }
  type RecommendationPayload { recommendation: Recommendation adjustment: Adjustment userErrors: [UserError!]! }
  interface StreamMessage { sequence: Int! cursor: Cursor! }
  type RecommendationChanged implements StreamMessage {
    sequence: Int! cursor: Cursor! kind: String! actor: Actor! recommendation: Recommendation!
  }
  type Watermark implements StreamMessage { sequence: Int! cursor: Cursor! }
  union RecommendationMessage = RecommendationChanged | Watermark
  type Query { recommendations(workspaceId: ID!, first: Int): Recommendations! }
  type Mutation {
    recommendationApprove(id: ID!, expectedVersion: Int!, idempotencyKey: String!): RecommendationPayload!
  }
  type Subscription { recommendationChanges(workspaceId: ID!): RecommendationMessage! }
`

// A peer gets what an able team would write: a token's signature and a membership are checked once and remembered.
const remembered = new Map()

export async function viewer(authorization) {
  const token = authorization?.replace(/^Bearer /, '')
  if (!token) throw new Error('no token')
  let found = remembered.get(token)
  if (!found) {
    const { payload } = await jwtVerify(token, keys)
    const { rows } = await pool.query('SELECT name FROM users WHERE tenant_id = $1 AND id = $2', [payload.tenant_id, payload.sub])
    if (!rows.length) throw new Error('nobody')
    found = { tenantId: payload.tenant_id, userId: payload.sub, name: rows[0].name, until: payload.exp * 1000 }
    remembered.set(token, found)
  }
  if (found.until < Date.now()) throw new Error('the token has expired')
  return found
}

const globalId = (type, id) => Buffer.from(`${type}:${id}`).toString('base64url')
const localId = (text) => Buffer.from(text, 'base64url').toString().split(':')[1]
const money = (micros, currency) => ({ amount: String(Number(micros) / 1e6), currency })
const recommendation = (row) => ({
  id: globalId('Recommendation', row.id),
  version: row.version,
  status: row.status,
  campaignName: row.campaign_name,
  confidence: row.confidence,
  rationale: row.rationale,
  currentBudget: money(row.current_micros, row.currency_code),
  proposedBudget: money(row.proposed_micros, row.currency_code),
})
const COLUMNS = 'id, version, status, campaign_name, confidence, rationale, current_micros, proposed_micros, currency_code'

let sequence = 0
// Each server has its own way to publish; it puts it here.
export const live = { publish: undefined, subscribe: undefined }

async function* changes(context) {
  const events = live.subscribe(context)
  const iterator = (await events)[Symbol.asyncIterator]()
  yield { recommendationChanges: { __typename: 'Watermark', sequence, cursor: String(sequence) } }
  yield* { [Symbol.asyncIterator]: () => iterator }
}

export const resolvers = {
  RecommendationMessage: { __resolveType: (value) => value.__typename, resolveType: (value) => value.__typename },
  Query: {
    async recommendations(_, { workspaceId, first }, { viewer: who }) {
      const { rows } = await pool.query({
        name: 'page',
        text: `SELECT ${COLUMNS} FROM recommendations WHERE tenant_id = $1 AND workspace_id = $2 ORDER BY id DESC LIMIT $3`,
        values: [who.tenantId, localId(workspaceId), first ?? 50],
      })
      return { nodes: rows.map(recommendation) }
    },
  },
  Mutation: {
    async recommendationApprove(_, { id, expectedVersion }, context) {
      const { rows } = await pool.query(
        `UPDATE recommendations SET status = 'APPROVED', version = version + 1
          WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ${COLUMNS}`,
        [context.viewer.tenantId, localId(id), expectedVersion],
      )
      if (!rows.length) return { userErrors: [{ message: 'somebody else was first', code: 'VERSION_CONFLICT' }] }
      const changed = recommendation(rows[0])
      sequence += 1
      const actor = { kind: 'USER', id: globalId('User', context.viewer.userId), name: context.viewer.name }
      const event = {
        __typename: 'RecommendationChanged', sequence, cursor: String(sequence), kind: 'recommendation.approved', actor,
        recommendation: changed,
      }
      await live.publish(event, context)
      return { recommendation: changed, adjustment: null, userErrors: [] }
    },
  },
  Subscription: { recommendationChanges: { subscribe: (_, __, context) => changes(context) } },
}
