"""The task gateways (xcompute, apimart, gccai): clients, and the values that they take and return. Contract §8."""

from portrait.tasks.check import batches
from portrait.tasks.client import AsyncTaskClient, TaskClient
from portrait.tasks.models import NewAsset, Task, TaskStatus, UploadedImage

__all__ = ["AsyncTaskClient", "NewAsset", "Task", "TaskClient", "TaskStatus", "UploadedImage", "batches"]
