# The service as an image: one static binary, the CA certificates, and a folder for
# the data. There is no shell in it.
#
# Builds with the classic builder as well as with BuildKit, so it uses nothing that
# only one of them knows (cache mounts, heredocs). `make image` hands in the build
# arguments; docs/operations.md says how to run the result.

# Another Go image, such as one of a mirror of your own: --build-arg GO_IMAGE=…
ARG GO_IMAGE=golang:1.26-bookworm

FROM ${GO_IMAGE} AS build

# How the host reaches Go modules. What is not handed in keeps Go's default.
ARG GOPROXY
ARG GOSUMDB
ARG GONOSUMDB
ARG GOPRIVATE
ARG GOFLAGS
# local: the image's Go, or an error; never another one downloaded on the way.
ENV CGO_ENABLED=0 GOTOOLCHAIN=local

WORKDIR /src
# The modules are a layer of their own: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN go build -tags nodynamic -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/bin/aigen ./cmd/aigen \
 && mkdir -p /out/owned && mkdir -m 0700 /out/owned/data

FROM scratch

COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /LICENSE
COPY internal/licenses/THIRD-PARTY.txt /THIRD-PARTY.txt
# A named volume takes over the owner and the mode of what it is mounted on. The folder
# above it is copied, because of a folder itself the classic builder drops the mode.
COPY --from=build --chown=65532:65532 /out/owned/ /
COPY --from=build /out/bin/aigen /usr/local/bin/aigen

# Numeric, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 65532:65532
WORKDIR /data
VOLUME /data
# 0.0.0.0 is what a published port reaches. The service refuses it until it is given
# N8N_CALLBACK_SECRET and one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL.
ENV PATH=/usr/local/bin DATA_DIR=/data LISTEN_ADDR=0.0.0.0:8000 LOG_FORMAT=json
EXPOSE 8000
STOPSIGNAL SIGTERM
# Asks /readyz, for 3 s at most. It needs no shell: none is there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/aigen", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/aigen"]
CMD ["serve"]

# Last: they change with every commit, and layers above stay as they are.
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="aigen" \
      org.opencontainers.image.description="AI generation orchestrator: samples, a choice, a final picture, and every credit accounted for" \
      org.opencontainers.image.source="https://github.com/creativeflow/aigen" \
      org.opencontainers.image.documentation="https://github.com/creativeflow/aigen/blob/main/docs/operations.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
