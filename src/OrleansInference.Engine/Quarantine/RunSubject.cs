using System.Globalization;
using System.Text;

namespace OrleansInference.Engine.Quarantine;

/// <summary>A content of a version, as the slots have it.</summary>
internal readonly record struct RunSubject(string Model, int Version, string Revision)
{
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Version}\n{Revision}\n{Model}"));

    /// <summary>Null where the bytes, of a file that anyone may have changed, are none.</summary>
    public static RunSubject? Parse(ReadOnlySpan<byte> bytes) =>
        Encoding.UTF8.GetString(bytes).Split('\n') is [var number, var revision, var model] &&
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? new(model, version, revision)
            : null;
}
