# tv1 and the TV ONE project; see docker-compose.yml. The database is a service of its own, so tv1 carries none.
FROM rust:1.91-slim-bookworm AS made
WORKDIR /src
COPY . .
RUN cargo build --release --locked --no-default-features

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates socat \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home tv1 \
    && install -d -o tv1 -g tv1 /project /project/target /project/logs
COPY --from=made /src/target/release/tv1 /usr/local/bin/tv1
WORKDIR /project
COPY --chown=tv1:tv1 project.yml ./
COPY --chown=tv1:tv1 macros macros
COPY --chown=tv1:tv1 models models
COPY --chown=tv1:tv1 reports reports
COPY --chown=tv1:tv1 seeds seeds
COPY --chown=tv1:tv1 simulations simulations
COPY --chown=tv1:tv1 tests/*.sql tests/
USER 10001
ENTRYPOINT ["tv1"]
CMD ["build"]
