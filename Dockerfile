# The image of switchmaster: one stage builds, one fetches what is needed to run, and the last has
# neither compiler nor sources.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
# The dependencies first: this layer is made anew only when they change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${NODE_IMAGE}
# A container is reached from outside; it never starts a throw-away group instead of yours.
ENV NODE_ENV=production \
    NODE_OPTIONS=--enable-source-maps \
    SWITCHMASTER_LISTEN=0.0.0.0:8889 \
    SWITCHMASTER_ADMIN=0.0.0.0:8890 \
    SWITCHMASTER_EMBEDDED=no
WORKDIR /app
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
COPY scripts/healthcheck.mjs ./scripts/
RUN chmod 755 dist/cli.js && ln -s /app/dist/cli.js /usr/local/bin/switchmaster
USER node
EXPOSE 8889 8890
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["node", "/app/scripts/healthcheck.mjs"]
ENTRYPOINT ["switchmaster"]
CMD ["up"]
