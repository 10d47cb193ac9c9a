// graphql-yoga with graphql-ws, as its documentation puts them together. node yoga.mjs PORT
import { createServer } from 'node:http'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { live, port, resolvers, typeDefs, viewer } from './graph.mjs'

const events = createPubSub()
live.publish = (event) => events.publish('changes', { recommendationChanges: event })
live.subscribe = () => events.subscribe('changes')

const { RecommendationMessage, ...others } = resolvers
const schema = createSchema({
  typeDefs,
  resolvers: { ...others, RecommendationMessage: { __resolveType: RecommendationMessage.__resolveType } },
})
const yoga = createYoga({
  schema,
  logging: "error",
  graphiql: false,
  context: async ({ request, connectionParams }) => ({
    viewer: await viewer(request?.headers?.get?.('authorization') ?? connectionParams?.authorization),
  }),
})
const server = createServer(yoga)
const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false })
useServer(
  {
    onConnect: async ({ connectionParams }) => Boolean(await viewer(connectionParams?.authorization)),
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, payload) => {
      const { schema: enveloped, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx, req: ctx.extra.request, socket: ctx.extra.socket, params: payload, connectionParams: ctx.connectionParams,
      })
      const document = parse(payload.query)
      const errors = validate(enveloped, document)
      if (errors.length) return errors
      return {
        schema: enveloped, operationName: payload.operationName, document, variableValues: payload.variables,
        contextValue: await contextFactory(), rootValue: { execute, subscribe },
      }
    },
  },
  sockets,
)
server.listen(port, '127.0.0.1')
