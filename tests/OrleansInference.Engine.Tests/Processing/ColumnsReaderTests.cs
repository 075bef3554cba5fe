using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Tests.Repository;

namespace OrleansInference.Engine.Tests.Processing;

public sealed class ColumnsReaderTests : IDisposable
{
    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Columns_become_one_input_of_the_network_in_their_order()
    {
        var config = _folder.Sound(Table(
            """
            {"input": "age", "standardize": {"mean": 40, "std": 12.5}}, {"input": "city", "one_hot": ["Berlin", "Paris"], "unknown": "zeros"},
            {"input": "floor", "one_hot": [-1, 0, 7]}, {"input": "owner"}
            """));

        var tabular = Assert.IsType<TabularPreprocessing>(Assert.Single(config.Preprocessing));
        Assert.Equal(["age", "city", "floor", "owner"], tabular.Inputs);
        Assert.Equal(new NumberColumn("age", 40, 12.5), tabular.Columns[0]);
        Assert.Equal(new NumberColumn("owner", 0, 1), tabular.Columns[3]);
        var (city, floor) = (Assert.IsType<OneHotColumn>(tabular.Columns[1]), Assert.IsType<OneHotColumn>(tabular.Columns[2]));
        Assert.Equal((1, 2), (city.Places["Paris"], floor.Places["7"]));
        Assert.Equal((true, false), (city.AdmitsUnknown, floor.AdmitsUnknown));
        var network = ModelSignatures.OfNetwork(config).Inputs;
        Assert.Equal(["features", "untouched"], network.Select(input => input.Name));
        Assert.Equal([-1, 7], network[0].Shape);
    }

    [Theory]
    [InlineData("", "columns: names no input")]
    [InlineData("""{"input": "size"}""", "columns[0].input: the model has no input 'size'")]
    [InlineData("""{"input": "untouched"}""", "'untouched' must have dims [1]")]
    [InlineData("""{"input": "age"}, {"input": "age"}""", "columns[1].input: 'age' is a column already")]
    [InlineData("""{"input": "city"}""", "'city' is TYPE_STRING, which only one_hot")]
    [InlineData("""{"input": "age", "standardize": {"mean": 1}}""", "standardize.std: is missing")]
    [InlineData("""{"input": "age", "standardize": {"mean": 1, "std": 0}}""", "standardize.std: 0 is not above 0")]
    [InlineData("""{"input": "age", "standardize": {"mean": 1, "std": -0.5}}""", "standardize.std: -0.5 is not above 0")]
    [InlineData("""{"input": "age", "standardize": {"mean": 1, "std": 1, "min": 0}}""", "standardize.min: unknown")]
    [InlineData("""{"input": "age", "one_hot": [1, 2]}""", "'age' is TYPE_FP32")]
    [InlineData("""{"input": "owner", "one_hot": [1]}""", "'owner' is TYPE_BOOL")]
    [InlineData("""{"input": "city", "one_hot": []}""", "one_hot: names no value")]
    [InlineData("""{"input": "city", "one_hot": ["a", 2]}""", "one_hot[1]: 2 is not a string")]
    [InlineData("""{"input": "floor", "one_hot": [2147483648]}""", "one_hot: 2147483648 is no value of TYPE_INT32, of which 'floor' is")]
    [InlineData("""{"input": "floor", "one_hot": [9223372036854775808]}""", "one_hot[0]: 9223372036854775808 is not an integer from -9223372036854775808")]
    [InlineData("""{"input": "floor", "one_hot": [1, "2", 2.5]}""", "one_hot[2]: 2.5 is not an integer")]
    [InlineData("""{"input": "city", "one_hot": ["a", "b", "a"]}""", "one_hot: 'a' is there twice")]
    [InlineData("""{"input": "city", "one_hot": ["a"], "unknown": "ignore"}""", "unknown: \"ignore\" is not one of error, zeros")]
    [InlineData("""{"input": "city", "one_hot": ["a"], "standardize": {}}""", "standardize: contradicts one_hot")]
    [InlineData("""{"input": "age", "unknown": "zeros"}""", "columns[0].unknown: unknown")]
    public void Impossible_columns_are_refused(string columns, string expected) => _folder.AssertError(expected, Table(columns));

    [Fact]
    public void One_place_more_than_the_limit_is_refused()
    {
        var places = string.Join(',', Enumerable.Range(0, 65_535));
        var columns = $$"""{"input": "floor", "one_hot": [{{places}}]}, {"input": "city", "one_hot": ["a"]}""";

        Assert.NotNull(_folder.Sound(Table(columns)));
        _folder.AssertError("take 65537 places, the limit is 65536", Table(columns + """, {"input": "age"}"""));
    }

    [Fact]
    public void Columns_are_rows_of_a_batch() =>
        _folder.AssertError("max_batch_size must be at least 1", Table("""{"input": "age"}""").Replace(": 4,", ": 0,", StringComparison.Ordinal));

    private static string Table(string columns) =>
        $$"""
        "max_batch_size": 4,
        "input": [
          {"name": "owner", "data_type": "TYPE_BOOL", "dims": [1]},
          {"name": "untouched", "data_type": "TYPE_FP32", "dims": [3]},
          {"name": "age", "data_type": "TYPE_FP32", "dims": [1]},
          {"name": "city", "data_type": "TYPE_STRING", "dims": [1]},
          {"name": "floor", "data_type": "TYPE_INT32", "dims": [1]}
        ],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
        "preprocessing": [{"output": "features", "columns": [{{columns}}]}]
        """;
}
