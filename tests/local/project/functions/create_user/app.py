from shared_by_all import store  # of the layer


def handler(event, context):
    print("creating")  # noqa: T201  # a test looks where it is printed
    return store(event)
