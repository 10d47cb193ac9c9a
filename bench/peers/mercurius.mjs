// fastify with mercurius; PEER_JIT=1 switches its compiled queries on. node mercurius.mjs PORT
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { live, port, resolvers, typeDefs, viewer } from './graph.mjs'

live.publish = (event, { pubsub }) => pubsub.publish({ topic: 'changes', payload: { recommendationChanges: event } })
live.subscribe = ({ pubsub }) => pubsub.subscribe('changes')

const app = Fastify()
const { RecommendationMessage, ...others } = resolvers
app.register(mercurius, {
  schema: typeDefs,
  resolvers: { ...others, RecommendationMessage: { resolveType: RecommendationMessage.resolveType } },
  jit: Number(process.env.PEER_JIT ?? 0),
  context: async (request) => ({ viewer: await viewer(request.headers.authorization) }),
  subscription: {
    fullWsTransport: false,
    onConnect: async ({ payload }) => ({ viewer: await viewer(payload?.authorization) }),
  },
})
await app.listen({ port, host: '127.0.0.1' })
