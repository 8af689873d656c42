"""A picture or a person in, a video out. Which provider makes it is a matter of the environment alone."""

import os
import sys

from portrait import open_client


def main(source, path, show=None):
    """Write a video of what a picture shows, or of the person who passes the check that `show` leads to."""
    with open_client() as client:
        group = {"group": "brand-hosts"}
        if show is not None:
            person = client.validate_person(callback_url=os.environ["CALLBACK_URL"], show=show)
            group = {"group_id": person.group_id, "group_type": "LivenessFace"}
        (host,) = client.ensure_assets([source], **group)
        video = client.videos.create(model=os.environ["VIDEO_MODEL"], prompt="wave", references=[host.check()])
        return client.videos.save(client.videos.wait(video), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
