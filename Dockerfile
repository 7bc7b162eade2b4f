# An image of onequery for jobs that run in containers: a static binary, and git for `--diff` and `--staged`.
#
#   docker build --tag onequery .
#   docker run --rm --volume "$PWD:/src:ro" onequery check

FROM rust:1.95-alpine3.23 AS build
# What C sources of dependencies are compiled with. Alpine keeps only the newest version of a package, so none is named.
# hadolint ignore=DL3018
RUN apk add --no-cache build-base
WORKDIR /build
COPY . .
RUN cargo install --locked --path . --root /out

FROM alpine:3.23
# Sources belong to whoever mounts them, and git reads nobody else's unless it is told to.
# hadolint ignore=DL3018
RUN apk add --no-cache git \
    && git config --system --add safe.directory '*' \
    && adduser -D -H -u 10001 onequery
COPY --from=build /out/bin/onequery /usr/local/bin/onequery
COPY LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/onequery/
# The user may write nothing; with a cache folder of your own, set it to 0.
ENV ONEQUERY_NO_CACHE=1
USER 10001:10001
WORKDIR /src
ENTRYPOINT ["onequery"]
CMD ["check"]
