using System.Text;

namespace OrleansInference.Engine.Profiling;

/// <summary>A table for a terminal. Its columns are as wide as what stands in them, and cells may have several lines.</summary>
public sealed class AlignedTable
{
    private const string Gap = "  ";

    private readonly List<string[][]> _rows = [];
    private readonly bool[] _areRight;

    /// <param name="headings">The headings; a column whose heading begins with a space is one of numbers, which end at one place.</param>
    public AlignedTable(params IReadOnlyList<string> headings)
    {
        _areRight = [.. headings.Select(heading => heading.StartsWith(' '))];
        Add([.. headings.Select(heading => heading.Trim())]);
    }

    /// <summary>Adds a row.</summary>
    /// <param name="cells">As many as there are headings; lines end with a line feed.</param>
    /// <exception cref="ArgumentException">There are more or fewer.</exception>
    public void Add(params IReadOnlyList<string> cells)
    {
        if (cells.Count != _areRight.Length) throw new ArgumentException($"A row has {cells.Count} cells in a table of {_areRight.Length} columns.", nameof(cells));
        _rows.Add([.. cells.Select(cell => cell.Split('\n'))]);
    }

    /// <summary>The lines of the table, none with blanks at its end.</summary>
    public override string ToString()
    {
        var widths = _areRight.Select((_, column) => _rows.Max(row => row[column].Max(line => line.Length))).ToArray();
        var text = new StringBuilder();
        foreach (var row in _rows)
        {
            for (var line = 0; line < row.Max(cell => cell.Length); line++)
            {
                var parts = row.Select((cell, column) =>
                {
                    var part = line < cell.Length ? cell[line] : "";
                    return _areRight[column] ? part.PadLeft(widths[column]) : part.PadRight(widths[column]);
                });
                text.Append(string.Join(Gap, parts).TrimEnd()).Append('\n');
            }
        }

        return text.ToString();
    }
}
