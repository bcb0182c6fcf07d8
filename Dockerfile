# An image of zettel serve. How it is built, given its first token and run: docs/operations.md.

FROM python:3.11-slim-bookworm AS build
# Where torch's CPU build is; the package index alone has the one for CUDA, some gigabytes larger.
ARG PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
# Parts of Zettel that few need, with commas between them.
ARG EXTRAS="export,llm"
WORKDIR /build
RUN python3 -m venv /opt/zettel
# First and alone, as in the Makefile: once it is there, nothing makes pip fetch another one.
COPY constraints.txt ./
RUN /opt/zettel/bin/python -m pip install --no-cache-dir $PIP_ARGS "$(grep '^torch==' constraints.txt)" -c constraints.txt
# Everything else comes as the very files whose hashes are in the checkout, or not at all.
COPY locks locks
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir $PIP_ARGS --require-hashes --no-deps -r locks/build.txt
RUN /opt/zettel/bin/python -m pip install --no-cache-dir $PIP_ARGS --require-hashes --no-deps -r locks/image.txt
COPY LICENSE README.md pyproject.toml ./
COPY server server
COPY storage storage
COPY tools tools
# With EXTRAS as above nothing is fetched here; other parts come in exact versions, without hashes.
RUN /opt/build/bin/python -m hatchling build -t wheel -d dist \
 && /opt/zettel/bin/python -m pip install --no-cache-dir $PIP_ARGS "$(ls dist/*.whl)[$EXTRAS]" -c constraints.txt

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --home-dir /var/lib/zettel --create-home --shell /usr/sbin/nologin zettel \
 && chmod 0700 /var/lib/zettel \
 && install -d -m 0700 -o zettel -g zettel /opt/zettel-cache
COPY --from=build /opt/zettel /opt/zettel
COPY deploy/health.py /opt/zettel/health.py
# The record of erasures lies in the volume too, beside the store: it must outlive the container.
# The export of the packaged model is the image's, everything else that is cached the volume's.
ENV PATH=/opt/zettel/bin:$PATH \
    XDG_CACHE_HOME=/opt/zettel-cache \
    HF_HOME=/var/lib/zettel/.cache/huggingface \
    PYTHONUNBUFFERED=1 \
    ZETTEL_STORE=/var/lib/zettel/store \
    ZETTEL_ERASURES=/var/lib/zettel/erasures \
    ZETTEL_HOST=0.0.0.0 \
    ZETTEL_PORT=8377
USER zettel
# So that no server loads torch.
RUN zettel model export
WORKDIR /var/lib/zettel
VOLUME /var/lib/zettel
EXPOSE 8377
# It drains on SIGTERM: calls that are open are answered.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 CMD ["python3", "/opt/zettel/health.py"]
ENTRYPOINT ["zettel"]
CMD ["serve"]
