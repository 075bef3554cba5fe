using OrleansInference.Tensors;

namespace OrleansInference.Grains.Tests;

public sealed class ColumnEncoderTests
{
    private const string Table =
        """
        "input": [
          {"name": "age", "data_type": "TYPE_INT32", "dims": [1]}, {"name": "city", "data_type": "TYPE_STRING", "dims": [1]},
          {"name": "floor", "data_type": "TYPE_INT64", "dims": [1]}, {"name": "owner", "data_type": "TYPE_BOOL", "dims": [1]}
        ],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
        "preprocessing": [{"output": "features", "columns": [
          {"input": "age", "standardize": {"mean": 40, "std": 12.5}}, {"input": "city", "one_hot": ["Berlin", "Paris"]},
          {"input": "owner"}, {"input": "floor", "one_hot": [-1, 0, 9007199254740993], "unknown": "zeros"}]}]
        """;

    [Fact]
    public void Columns_stand_side_by_side_in_the_order_of_the_list()
    {
        using var model = new ProcessedModel(Table);

        var features = Assert.Single(model.Preprocess(Row(
            [65, 40, 15], ["Paris", "Berlin", "Paris"], [9007199254740993, 5, -1], [true, false, true])));

        Assert.Equal("features", features.Name);
        Assert.Equal([3, 7], features.Shape.ToArray());
        Assert.Equal([2f, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, -2, 0, 1, 1, 1, 0, 0], features.ToArray<float>());
    }

    [Fact]
    public void A_value_without_a_place_is_named_with_its_input_and_row()
    {
        using var model = new ProcessedModel(Table);

        model.AssertRefused("input 'city', row 1: 'Rome' is none of the 2 values that it may have", Row([1, 2], ["Paris", "Rome"], [0, 0], [true, true]));
        model.AssertRefused("input 'city', row 0: '' is none", Row([1], [""], [0], [true]));
        model.AssertRefused($"'{new string('x', 60)}...' is none", Row([1], [new('x', 10_000)], [0], [true]));
    }

    [Fact]
    public void A_column_that_is_missing_is_named()
    {
        using var model = new ProcessedModel(Table);

        model.AssertRefused("missing required input(s) ['floor','owner']", Row([1], ["Paris"], [0], [true])[..2]);
    }

    public static TheoryData<string, InferenceTensor> Numbers => new()
    {
        { "BOOL", InferenceTensor.Create("x", new[] { true }, 1, 1) },
        { "UINT8", InferenceTensor.Create("x", new byte[] { 1 }, 1, 1) },
        { "UINT16", InferenceTensor.Create("x", new ushort[] { 1 }, 1, 1) },
        { "UINT32", InferenceTensor.Create("x", new uint[] { 1 }, 1, 1) },
        { "UINT64", InferenceTensor.Create("x", new ulong[] { 1 }, 1, 1) },
        { "INT8", InferenceTensor.Create("x", new sbyte[] { 1 }, 1, 1) },
        { "INT16", InferenceTensor.Create("x", new short[] { 1 }, 1, 1) },
        { "INT32", InferenceTensor.Create("x", new[] { 1 }, 1, 1) },
        { "INT64", InferenceTensor.Create("x", new long[] { 1 }, 1, 1) },
        { "FP16", InferenceTensor.Create("x", new[] { (Half)1 }, 1, 1) },
        { "BF16", new InferenceTensor("x", DataType.BFloat16, [1, 1], new byte[] { 0x80, 0x3f }) },
        { "FP32", InferenceTensor.Create("x", new[] { 1f }, 1, 1) },
        { "FP64", InferenceTensor.Create("x", new[] { 1.0 }, 1, 1) },
    };

    [Theory]
    [MemberData(nameof(Numbers), DisableDiscoveryEnumeration = true)]
    public void A_column_may_be_of_any_type_that_is_a_number(string type, InferenceTensor one)
    {
        using var model = new ProcessedModel(
            $$"""
            "input": [{"name": "x", "data_type": "TYPE_{{type}}", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
            "preprocessing": [{"output": "features", "columns": [{"input": "x", "standardize": {"mean": 0.5, "std": 0.25} } ]}]
            """);

        Assert.Equal([2f], Assert.Single(model.Preprocess(one)).ToArray<float>());
    }

    private static InferenceTensor[] Row(int[] age, string[] city, long[] floor, bool[] owner) =>
    [
        InferenceTensor.Create("age", age, age.Length, 1),
        InferenceTensor.FromStrings("city", city, city.Length, 1),
        InferenceTensor.Create("floor", floor, floor.Length, 1),
        InferenceTensor.Create("owner", owner, owner.Length, 1),
    ];
}
