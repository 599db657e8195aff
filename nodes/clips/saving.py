"""What the saving nodes share: which marks a file gets, and the signature that is written last."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kinograph import NodeContext


def tags_of(context: NodeContext, *, save_workflow: bool, aigc: bool, iptc: bool) -> dict[str, str]:
    """Texts to store inside a file: the workflow, and the marks of what a model has made."""
    from nodes.media.provenance import mark_tags
    from nodes.media.tags import workflow_tags

    tags = workflow_tags(context.document()) if save_workflow else {}
    return {**tags, **mark_tags(context.origin(), context.computation, aigc=aigc, iptc=iptc)}


def sign_if_wanted(context: NodeContext, path: Path, media_type: str, wanted: bool) -> bool:
    """Sign a finished file where that is wanted and possible; whether it was done. Failing is a warning."""
    from nodes.media.provenance import can_sign, sign

    if not wanted or context.keys_folder is None or not can_sign(media_type):
        return False
    try:
        made_by = version("kinograph")
    except PackageNotFoundError:
        made_by = ""
    try:
        sign(
            path,
            media_type,
            context.keys_folder,
            origin=context.origin(),
            workflow=context.workflow,
            version=made_by,
        )
    except (OSError, RuntimeError, ValueError) as error:
        context.logger.warning("the file is not signed: %s", error)
        return False
    return True
