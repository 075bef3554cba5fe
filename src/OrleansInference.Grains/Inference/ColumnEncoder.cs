using System.Globalization;

using OrleansInference.Engine.Processing;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Joins inputs of one value a row to one tensor, as a <see cref="TabularPreprocessing"/> says.</summary>
internal static class ColumnEncoder
{
    private const int MaxShownLength = 60;

    /// <param name="tabular">The columns.</param>
    /// <param name="find">Gives the inputs by their names.</param>
    /// <param name="cancellationToken">The caller is gone.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/>: a value has no place.</exception>
    public static InferenceTensor Encode(TabularPreprocessing tabular, Func<string, InferenceTensor> find, CancellationToken cancellationToken)
    {
        var rows = new RowsBuilder<float>(tabular.Output, (int)find(tabular.Columns[0].Input).ElementCount, tabular.Width);
        var place = 0;
        foreach (var column in tabular.Columns)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var input = find(column.Input);
            switch (column)
            {
                case NumberColumn number:
                    var values = TensorNumbers.ToDoubles(input);
                    for (var row = 0; row < values.Length; row++)
                        rows[row][place] = (float)((values[row] - number.Mean) / number.Deviation);
                    break;
                case OneHotColumn oneHot:
                    var words = ToWords(input);
                    for (var row = 0; row < words.Count; row++)
                    {
                        if (oneHot.Places.TryGetValue(words[row], out var hot)) rows[row][place + hot] = 1;
                        else if (!oneHot.AdmitsUnknown) throw Unknown(oneHot, row, words[row]);
                    }

                    break;
                default:
                    throw new NotSupportedException($"There is no column {column.GetType().Name}.");
            }

            place += column.Width;
        }

        return rows.ToTensor();
    }

    private static IReadOnlyList<string> ToWords(InferenceTensor input) => input.DataType switch
    {
        DataType.Bytes => input.ToStrings(),
        // Of these not all have a double of their own.
        DataType.Int64 => [.. input.ToArray<long>().Select(value => value.ToString(CultureInfo.InvariantCulture))],
        DataType.UInt64 => [.. input.ToArray<ulong>().Select(value => value.ToString(CultureInfo.InvariantCulture))],
        _ => [.. TensorNumbers.ToDoubles(input).Select(value => value.ToString(CultureInfo.InvariantCulture))],
    };

    private static InferenceException Unknown(OneHotColumn column, int row, string value)
    {
        var shown = value.Length <= MaxShownLength ? value : $"{value.AsSpan(0, MaxShownLength)}...";
        return new(
            InferenceError.InvalidArgument,
            $"input '{column.Input}', row {row}: '{shown}' is none of the {column.Places.Count} values that it may have");
    }
}
