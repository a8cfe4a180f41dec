# The worker, on CPUs. From the repository's root:
#
#   docker build --file docker/worker.Dockerfile --tag oda-worker .

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
RUN --mount=type=cache,id=oda-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=oda-target,target=/opt/oda/target,sharing=locked \
    . "$ODA_CACHE/env.sh" \
    && cargo build --locked --release -p ml-worker \
    && install -D "$CARGO_TARGET_DIR/release/ml-worker" /out/bin/ml-worker
# libtorch's shared libraries, without headers; where it came as a Python package, nvidia/ lies beside torch/.
RUN . "$ODA_CACHE/env.sh" \
    && mkdir -p /out/libtorch/torch/lib \
    && cp -P "$LIBTORCH"/lib/*.so* /out/libtorch/torch/lib/ \
    && if [ -d "$LIBTORCH/../nvidia" ]; then cp -r "$LIBTORCH/../nvidia" /out/libtorch/; fi

FROM debian:bookworm-slim
# No versions: the release is pinned, and gets security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --no-log-init --uid 10001 --home-dir /data --no-create-home oda \
    && install -d -m 0700 -o oda -g oda /data
COPY --from=build /out/libtorch /opt/oda/libtorch
COPY --from=build /out/bin/ml-worker /usr/local/bin/ml-worker
ENV LD_LIBRARY_PATH=/opt/oda/libtorch/torch/lib \
    ODA_BASE_PATH=/data
# Fails if a library is missing.
RUN ["ml-worker", "--version"]
USER 10001:10001
WORKDIR /data
VOLUME /data
# Metrics, for services that are given --prometheus 0.0.0.0:9616.
EXPOSE 9616
# The store opens, and the node of ODA_NODE answers: without it the worker only waits.
HEALTHCHECK --interval=60s --timeout=20s --retries=3 \
    CMD ["ml-worker", "--log", "error", "--node-timeout", "10", "model", "list"]
ENTRYPOINT ["ml-worker"]
CMD ["--help"]
