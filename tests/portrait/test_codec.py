"""Between values and JSON: names, a tolerant reader for clients, a strict one for servers."""

import contextlib
import pickle
import types
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait import codec, models
from portrait.actions import ACTIONS
from portrait.models import Asset, AssetGroup, AssetPage, AssetStatus, AssetType, Failure, UploadedAsset

REQUESTS = [action.request for action in ACTIONS.values()]


@pytest.fixture(autouse=True)
def _made_here(monkeypatch):
    """The two converters are made by the test: scripts/mutation changes code that was imported long before."""
    codec._enum_casefold.cache_clear()
    codec.encoder.cache_clear()
    codec.decoder.cache_clear()
    monkeypatch.setattr(codec, "_CLIENT", codec._client_converter())
    monkeypatch.setattr(codec, "_SERVER", codec._server_converter())


def encode(value):
    """A value as the JSON object of the wire."""
    return codec.encoder(type(value))(value)


def decode(cls, value):
    """Read a JSON value as a class, tolerantly."""
    return codec.decoder(cls)(value, cls)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of that type may hold."""
    if get_origin(kind) in {Union, types.UnionType}:
        return st.one_of([st.none() if part is types.NoneType else values(part) for part in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=3).map(tuple)
    if attrs.has(kind):
        return records(kind)
    if kind is str:
        return st.text(st.characters(codec="utf-8"), max_size=20)
    if kind is int:
        return st.integers(-(2**31), 2**31)
    return st.sampled_from(list(kind))


def records(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of a request class."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: values(hints[field.name]) for field in attrs.fields(cls)})


@pytest.mark.parametrize("cls", REQUESTS, ids=lambda cls: cls.__name__)
def test_a_request_comes_back_as_it_went_out(cls):
    """Encoded by the client, carried as JSON, read strictly by a server: the same value, for all 12."""

    @given(records(cls))
    def comes_back(request):
        wire = orjson.loads(orjson.dumps(encode(request)))
        assert codec.decode_strict(cls, wire) == request
        assert decode(cls, wire) == request
        assert None not in wire.values()

    comes_back()


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("id", "Id"),
        ("url", "URL"),
        ("callback_url", "CallbackURL"),
        ("uploaded_url", "UploadedURL"),
        ("h5_link", "H5Link"),
        ("r2_key", "R2Key"),
        ("byted_token", "BytedToken"),
        ("group_ids", "GroupIds"),
        ("last_inference_time", "LastInferenceTime"),
    ],
)
def test_a_wire_name_follows_from_the_attribute(attribute, name):
    """PascalCase, with the wire's own capitals."""
    assert codec.wire_name(attribute) == name


# Every wire name of contract §2, typed by hand: the codec derives them.
FIELDS = {
    "CreateAssetGroupRequest": "Name GroupType Description Title ProjectName",
    "GetAssetGroupRequest": "Id ProjectName",
    "ListAssetGroupsRequest": "Filter PageNumber PageSize MaxResults NextToken SortBy SortOrder ProjectName",
    "UpdateAssetGroupRequest": "Id Name Description ProjectName",
    "DeleteAssetGroupRequest": "Id ProjectName",
    "CreateAssetRequest": "GroupId URL AssetType Name Moderation ProjectName",
    "GetAssetRequest": "Id ProjectName",
    "ListAssetsRequest": "Filter PageNumber PageSize MaxResults NextToken SortBy SortOrder ProjectName",
    "UpdateAssetRequest": "Id Name ProjectName",
    "DeleteAssetRequest": "Id ProjectName",
    "CreateVisualValidateSessionRequest": "CallbackURL ProjectName",
    "GetVisualValidateResultRequest": "BytedToken ProjectName",
    "AssetGroup": "Id Name Title Description GroupType ProjectName CreateTime UpdateTime",
    "GroupFilter": "GroupType GroupIds Name",
    "AssetFilter": "GroupType GroupIds Statuses Name",
    "VisualValidateSession": "BytedToken H5Link CallbackURL",
    "VisualValidateResult": "GroupId",
    "Moderation": "Strategy",
    "UploadedAsset": "Id GroupId Name AssetType Status UploadedURL R2Key",
    "Asset": (
        "Id GroupId Name AssetType Status URL Error Moderation ProjectName CreateTime UpdateTime LastInferenceTime"
    ),
}


@pytest.mark.parametrize("cls", FIELDS)
def test_the_wire_names_are_the_contracts(cls):
    """Each class has the fields of contract §2, no more and no less."""
    kind = getattr(models, cls)
    own = {"status": "Status", "failure": "Error"}
    names = {own.get(f.name, codec.wire_name(f.name)) for f in attrs.fields(kind) if f.name != "response"}
    assert names == set(FIELDS[cls].split())


# What a service may send for an asset, and what the client makes of it. Contract §3 and §10.1, §10.2.
ITEM = {"Id": "asset-1"}
EQUIVALENT_FORMS = {
    "upstream first": ({"UpstreamStatus": "Active", "Status": "Processing"}, {"status": AssetStatus.ACTIVE}),
    "status alone": ({"Status": "Active"}, {"status": AssetStatus.ACTIVE}),
    "upstream null": ({"UpstreamStatus": None, "Status": "Failed"}, {"status": AssetStatus.FAILED}),
    "upstream empty": ({"UpstreamStatus": "", "Status": "Active"}, {"status": AssetStatus.ACTIVE}),
    "lower case": ({"Status": "active"}, {"status": AssetStatus.ACTIVE}),
    "upper case": ({"Status": "ACTIVE"}, {"status": AssetStatus.ACTIVE}),
    "unknown": ({"Status": "Inactive"}, {"status": "Inactive"}),
    "a number": ({"Status": 5}, {"status": "5"}),
    "no status": ({}, {"status": AssetStatus.PROCESSING}),
    "type in lower case": ({"AssetType": "video"}, {"asset_type": AssetType.VIDEO}),
    "unknown type": ({"AssetType": "Model3D"}, {"asset_type": "Model3D"}),
    "nulls": (
        dict.fromkeys(["GroupId", "Name", "AssetType", "Status", "URL", "Error", "Moderation", "CreateTime"]),
        {"group_id": "", "name": "", "url": None, "failure": None, "moderation": None},
    ),
    "a number for a text": ({"Name": 5, "ProjectName": 1.5}, {"name": "5", "project_name": "1.5"}),
    "unknown fields": ({"New": {"a": [1]}, "id": "x"}, {"id": "asset-1"}),
    "FailedReason": ({"FailedReason": "the face differs"}, {"failure": Failure(message="the face differs")}),
    "FailedReason with its code": (
        {"FailedReason": "FaceMismatch: Face consistency verification failed."},
        {"failure": Failure(code="FaceMismatch", message="Face consistency verification failed.")},
    ),
    "FailedReason in another spelling": (
        {"FailedReason": "facemismatch: x"},
        {"failure": Failure(code="FaceMismatch", message="x")},
    ),
    "FailedReason, several": (
        {"FailedReason": ["FaceMismatch: x", "y"]},
        {"failure": Failure(code="FaceMismatch", message="x")},
    ),
    "FailedReason, an empty list": ({"FailedReason": [[]]}, {"failure": Failure()}),
    "Error in lower case": ({"Error": {"code": "A", "message": "b"}}, {"failure": Failure(code="A", message="b")}),
    "Error with a gateway's code": (
        {"Error": {"Code": "task_failed", "Message": "[InternalError] x"}},
        {"failure": Failure(code="InternalError", message="[InternalError] x")},
    ),
    "FailedReason, the code alone": ({"FailedReason": "FaceMismatch"}, {"failure": Failure(code="FaceMismatch")}),
    "FailedReason with another colon": ({"FailedReason": "Note: see"}, {"failure": Failure(message="Note: see")}),
    "answer-dotted": (
        {"FailedReason": "InputImageSensitiveContentDetected.PolicyViolation: x"},
        {"failure": Failure(code="InputImageSensitiveContentDetected.PolicyViolation", message="x")},
    ),
    "answer-dotted, in brackets": (
        {"FailedReason": "[FaceMismatch] The face differs."},
        {"failure": Failure(code="FaceMismatch", message="The face differs.")},
    ),
    "answer-dotted, behind a prefix": (
        {"FailedReason": "upstream_error: DownloadFailed, code 7"},
        {"failure": Failure(code="DownloadFailed", message="upstream_error: DownloadFailed, code 7")},
    ),
    "answer-dotted, behind a family": (
        {"FailedReason": "InvalidParameter.UnsupportedImageFormat: x"},
        {"failure": Failure(code="UnsupportedImageFormat", message="InvalidParameter.UnsupportedImageFormat: x")},
    ),
    "answer-dotted, in the message of an Error": (
        {"Error": {"Code": "", "Message": "[FaceMismatch] x"}},
        {"failure": Failure(code="FaceMismatch", message="[FaceMismatch] x")},
    ),
    "Error": ({"Error": {"Code": "A", "Message": "b"}}, {"failure": Failure(code="A", message="b")}),
    "Error of nulls beside a reason": (
        {"Error": {"Code": None}, "FailedReason": "x"},
        {"failure": Failure(message="x")},
    ),
    "Error empty beside a reason": ({"Error": {}, "FailedReason": "x"}, {"failure": Failure(message="x")}),
    "Error half": ({"Error": {"Code": "A"}}, {"failure": Failure(code="A")}),
    "Error without a code": ({"Error": {"Message": "b"}}, {"failure": Failure(message="b")}),
    "Error before FailedReason": (
        {"Error": {"Code": "A", "Message": "b"}, "FailedReason": "x"},
        {"failure": Failure(code="A", message="b")},
    ),
    "an empty FailedReason": ({"FailedReason": "", "Status": "Active"}, {"failure": None}),
    "an empty Error": ({"Error": {}, "Status": "Active"}, {"failure": None}),
    "an Error of empty texts": ({"Error": {"Code": "", "Message": ""}}, {"failure": None}),
}


@pytest.mark.parametrize("name", EQUIVALENT_FORMS)
def test_a_client_reads_an_asset_tolerantly(name):
    """Nulls, unknown fields and values, other spellings: none of them stops a client."""
    sent, read = EQUIVALENT_FORMS[name]
    value = decode(Asset, {**ITEM, **sent})
    assert {attribute: getattr(value, attribute) for attribute in read} == read
    assert all(type(getattr(value, attribute)) is type(expected) for attribute, expected in read.items())


def test_an_upload_speaks_of_processing_in_lower_case():
    """Contract §5: `processing` is Processing."""
    value = decode(UploadedAsset, {"Id": "a", "Status": "processing", "UploadedURL": "u", "R2Key": "k"})
    assert (value.status, value.uploaded_url, value.r2_key) == (AssetStatus.PROCESSING, "u", "k")


@pytest.mark.parametrize(
    ("cls", "sent", "path", "why"),
    [
        (Asset, {}, "Id", "missing"),
        (Asset, {"Id": None}, "Id", "missing"),
        (Asset, {"Id": ["a"]}, "Id", "string"),
        (AssetPage, {"Items": {}}, "Items", "array"),
        (AssetPage, {"Items": [{"Id": "a"}, {}]}, "Items.1.Id", "missing"),
        (AssetPage, {"Items": [None]}, "Items.0", "object"),
        (AssetPage, {"TotalCount": "many"}, "TotalCount", "integer"),
        (AssetGroup, [], "", "object"),
    ],
)
def test_a_client_names_what_does_not_fit(cls, sent, path, why):
    """What a class cannot do without, it misses by its wire name and place."""
    with pytest.raises(codec.DecodeError) as info:
        decode(cls, sent)
    assert info.value.path == path
    assert why in info.value.message


@pytest.mark.parametrize("read", [decode, codec.decode_strict])
@pytest.mark.parametrize("sent", [{}, {"Id": None}])
def test_what_is_missing_is_named(read, sent):
    """Absent and null are the same to both readers."""
    with pytest.raises(codec.DecodeError) as info:
        read(models.GetAssetRequest, sent)
    assert (info.value.path, info.value.message) == ("Id", "is missing")


def test_a_closed_set_is_read_by_any_spelling():
    """A member by itself is read as tolerantly as one in a field; what is none stays as it came."""
    assert decode(AssetType, "IMAGE") is AssetType.IMAGE
    assert decode(AssetType, "Hologram") == "Hologram"


def test_any_mapping_is_an_object():
    """What a caller has read by other means than a JSON parser is taken as well."""
    assert decode(Asset, types.MappingProxyType({"Id": "a"})).id == "a"


def test_what_a_result_came_from_is_no_field_of_it():
    """`response` is the client's own: it is neither read from the wire nor written to it."""
    assert decode(Asset, {"Id": "a", "Response": "b"}) == decode(Asset, {"Id": "a"})
    assert "Response" not in encode(decode(Asset, {"Id": "a"}))
    assert "response" not in {attribute for attribute, _, _, _ in codec.wire_fields(Asset)}


def test_a_page_may_lack_its_counts_but_not_its_items():
    """A cursor page counts nothing; one without `Items` does not say that there are none (once-null)."""
    page = decode(AssetPage, {"Items": [], "TotalCount": None, "NextToken": "n"})
    assert (page.items, page.total_count, page.next_token) == ((), None, "n")
    assert decode(AssetPage, {"Items": [], "TotalCount": "7"}).total_count == 7
    with pytest.raises(codec.DecodeError, match="missing"):
        decode(AssetPage, {"Items": None, "TotalCount": 7})


@pytest.mark.parametrize(
    ("cls", "sent", "path", "why"),
    [
        (models.GetAssetRequest, {"Id": 5}, "Id", "must be a string"),
        (models.GetAssetRequest, {"Id": True}, "Id", "must be a string"),
        (models.GetAssetRequest, {"Id": ["a"]}, "Id", "must be a string"),
        (models.GetAssetRequest, {}, "Id", "is missing"),
        (models.CreateAssetGroupRequest, {"GroupType": "aigc"}, "GroupType", "must be one of AIGC, LivenessFace"),
        (models.CreateAssetGroupRequest, {"GroupType": 5}, "GroupType", "must be a string"),
        (models.ListAssetsRequest, {"Filter": {"Statuses": "Active"}}, "Filter.Statuses", "must be an array"),
        (models.ListAssetsRequest, {"Filter": {"Statuses": ["Active", "x"]}}, "Filter.Statuses.1", "must be one of"),
        (models.ListAssetsRequest, {"Filter": []}, "Filter", "must be an object"),
        (models.ListAssetsRequest, {"Filter": {"GroupIds": [1]}}, "Filter.GroupIds.0", "must be a string"),
        (models.ListAssetsRequest, {"PageSize": "10"}, "PageSize", "must be an integer"),
        (models.ListAssetsRequest, {"PageSize": 1.0}, "PageSize", "must be an integer"),
        (models.ListAssetsRequest, {"PageSize": True}, "PageSize", "must be an integer"),
        (models.ListAssetsRequest, {"SortBy": "Name"}, "SortBy", "must be one of"),
        (models.GetAssetRequest, [], "", "must be an object"),
    ],
)
def test_a_server_refuses_what_does_not_fit_and_names_it(cls, sent, path, why):
    """No coercion, no clamping: the wire field and what is wrong with it."""
    with pytest.raises(codec.DecodeError) as info:
        codec.decode_strict(cls, sent)
    assert (info.value.path, why in info.value.message) == (path, True)


def test_a_server_takes_null_for_absent_and_ignores_extra_fields():
    """Contract §2, small print."""
    sent = {"Id": "a", "ProjectName": None, "Extra": 1}
    assert codec.decode_strict(models.GetAssetRequest, sent) == models.GetAssetRequest(id="a")


@pytest.mark.parametrize(
    ("read", "cls", "sent", "why"),
    [
        (decode, str, [], "must be a string"),
        (decode, int, "many", "must be an integer"),
        (decode, int, float("inf"), "must be an integer"),
        (decode, AssetType, [], "must be a string"),
        (decode, tuple[str, ...], {}, "must be an array"),
        (decode, Asset, "a", "must be an object"),
        (codec.decode_strict, str, 5, "must be a string"),
        (codec.decode_strict, int, 5.0, "must be an integer"),
        (codec.decode_strict, AssetType, 5, "must be a string"),
        (codec.decode_strict, AssetType, "image", "must be one of Image, Video, Audio"),
        (codec.decode_strict, tuple[str, ...], "a", "must be an array"),
        (codec.decode_strict, models.GetAssetRequest, "a", "must be an object"),
    ],
)
def test_a_fault_of_the_whole_value_has_no_path(read, cls, sent, why):
    """What is wrong at the top is said in the same words as anywhere below, and survives pickle."""
    with pytest.raises(codec.DecodeError) as info:
        read(cls, sent)
    fault = pickle.loads(pickle.dumps(info.value))
    assert (fault.path, fault.message) == ("", why)
    assert fault.args == ("", why)


@given(
    st.sampled_from(REQUESTS),
    st.dictionaries(
        st.sampled_from(sorted(set(" ".join(FIELDS.values()).split()))),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.lists(st.text(max_size=5))
        | st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
        max_size=5,
    ),
)
def test_a_strict_reader_raises_nothing_but_a_wire_fault(cls, sent):
    """Whatever a client sends, a server can say which field is wrong."""
    with contextlib.suppress(codec.DecodeError):
        assert codec.decode_strict(cls, sent) is not None
