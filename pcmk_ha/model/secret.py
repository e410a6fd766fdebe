"""A secret in the cluster file is a reference; its value never stands in a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class EnvSecret(BaseModel):
    """The value of an environment variable of the process that runs pcmk-ha."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    env: Annotated[str, Field(min_length=1, description="Name of an environment variable.")]


class FileSecret(BaseModel):
    """The first line of a file; a relative path counts from the cluster file's directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: Annotated[str, Field(min_length=1, description="Path of a file that holds only the secret.")]


SecretRef = EnvSecret | FileSecret
