# The node. From the repository's root:
#
#   docker build --file docker/node.Dockerfile --tag oda-node .

# The Rust of rust-toolchain.toml, on the release of Debian that the image runs: 12.
FROM rust:1.95.0-slim-bookworm AS build
ENV ODA_CACHE=/opt/oda
WORKDIR /src
# Alone, so that another source does not fetch everything again.
COPY rust-toolchain.toml ./
COPY scripts/setup.sh scripts/common.sh scripts/
COPY scripts/requirements scripts/requirements
RUN scripts/setup.sh
COPY . .
# What the node says its version is.
ARG COMMIT=00000000000
ENV SUBSTRATE_CLI_GIT_COMMIT_HASH=${COMMIT}
RUN --mount=type=cache,id=oda-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=oda-target,target=/opt/oda/target,sharing=locked \
    . "$ODA_CACHE/env.sh" \
    && cargo build --locked --release -p oda-node \
    && install -D "$CARGO_TARGET_DIR/release/oda-node" /out/oda-node \
    && install -D -m 0644 docs/licences.md /out/doc/licences.md \
    && scripts/notices.py oda-node >/out/doc/NOTICES

FROM debian:bookworm-slim
# The GPL holds for a part of the node: docs/licences.md.
ARG COMMIT=00000000000
LABEL org.opencontainers.image.title="oda-node" \
    org.opencontainers.image.revision="${COMMIT}" \
    org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later WITH Classpath-exception-2.0"
# curl asks the node whether it is well. No versions: the release is pinned, and gets security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --no-log-init --uid 10001 --home-dir /data --no-create-home oda \
    && install -d -m 0700 -o oda -g oda /data
COPY --from=build /out/oda-node /usr/local/bin/oda-node
COPY --from=build /out/doc /src/LICENSE /usr/share/doc/oda-node/
# Fails if a library is missing.
RUN ["oda-node", "--version"]
USER 10001:10001
WORKDIR /data
VOLUME /data
# Peers, JSON-RPC, metrics.
EXPOSE 30333 9944 9615
HEALTHCHECK --interval=10s --timeout=5s --retries=6 \
    CMD ["curl", "-fsS", "http://127.0.0.1:9944/health"]
ENTRYPOINT ["oda-node"]
CMD ["--help"]
