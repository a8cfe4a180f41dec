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
    && install -D "$CARGO_TARGET_DIR/release/ml-worker" /out/bin/ml-worker \
    && install -D -m 0644 docs/licences.md /out/doc/licences.md \
    && scripts/notices.py ml-worker >/out/doc/NOTICES
# The libraries that the worker loads, and their licences: libtorch_cpu.so needs two of CUDA's also without a GPU.
# hadolint ignore=DL3003 # No WORKDIR can name the folder of LIBTORCH.
RUN . "$ODA_CACHE/env.sh" \
    && cd "$LIBTORCH/.." \
    && mkdir -p /out/libtorch \
    && cp -r --parents torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp*.so* \
        nvidia/cu13/lib/libcudart.so.* nvidia/cu13/lib/libcupti.so.* ./*.dist-info/licenses /out/libtorch/

FROM debian:bookworm-slim
ARG COMMIT=00000000000
LABEL org.opencontainers.image.title="oda-worker" \
    org.opencontainers.image.revision="${COMMIT}" \
    org.opencontainers.image.licenses="Apache-2.0 AND BSD-3-Clause AND LicenseRef-NVIDIA-CUDA-EULA"
# No versions: the release is pinned, and gets security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --no-log-init --uid 10001 --home-dir /data --no-create-home oda \
    && install -d -m 0700 -o oda -g oda /data
COPY --from=build /out/libtorch /opt/oda/libtorch
COPY --from=build /out/bin/ml-worker /usr/local/bin/ml-worker
COPY --from=build /out/doc /src/LICENSE /usr/share/doc/ml-worker/
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
