using System;
using System.IO;
using System.Text;

using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Build task: copies a 64-bit little-endian ELF library with one of the symbol versions it needs marked weak (VER_FLG_WEAK in its
/// .gnu.version_r entry), so that the loader does without that version. Replaces what stands at the target, which may be a link into the
/// package cache, and never writes through it. See "Symbol Versioning" in the Linux Standard Base, sections 10.7.3 and 10.7.4, for the
/// layout.
/// </summary>
public class WeakenElfVersion : Task
{
    private const int SectionTypeVersionNeeds = 0x6ffffffe;
    private const byte Weak = 2;

    [Required]
    public string Source { get; set; }

    [Required]
    public string Target { get; set; }

    [Required]
    public string Version { get; set; }

    public override bool Execute()
    {
        var bytes = File.ReadAllBytes(Source);
        var flags = FindFlags(bytes);
        if (flags < 0 || (bytes[flags] & Weak) != 0 || (File.ReadAllBytes(Target)[flags] & Weak) != 0) return true;
        bytes[flags] |= Weak;
        var copy = Target + ".weak";
        File.WriteAllBytes(copy, bytes);
        // The build compares size and time to see whether the target is up to date: with the source's it is.
        File.SetLastWriteTimeUtc(copy, File.GetLastWriteTimeUtc(Source));
        File.Delete(Target);
        File.Move(copy, Target);
        Log.LogMessage(MessageImportance.High, "{0}: symbol version {1} marked weak, so that older C++ libraries can load it.", Target, Version);
        return true;
    }

    /// <summary>The offset of the version's vna_flags; -1 where the library does not need that version.</summary>
    private int FindFlags(byte[] elf)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[4] != 2 || elf[5] != 1) return -1;
        var sections = (int)BitConverter.ToInt64(elf, 0x28);
        int sectionSize = BitConverter.ToUInt16(elf, 0x3a), sectionCount = BitConverter.ToUInt16(elf, 0x3c);
        for (var i = 0; i < sectionCount; i++)
        {
            var section = sections + i * sectionSize;
            if (BitConverter.ToInt32(elf, section + 4) != SectionTypeVersionNeeds) continue;
            var strings = sections + BitConverter.ToInt32(elf, section + 0x28) * sectionSize;
            var names = (int)BitConverter.ToInt64(elf, strings + 0x18);
            for (int need = (int)BitConverter.ToInt64(elf, section + 0x18), next = -1; next != 0; need += next)
            {
                next = BitConverter.ToInt32(elf, need + 12);
                int entry = need + BitConverter.ToInt32(elf, need + 8), count = BitConverter.ToUInt16(elf, need + 2);
                for (; count > 0; count--, entry += BitConverter.ToInt32(elf, entry + 12))
                {
                    if (NameAt(elf, names + BitConverter.ToInt32(elf, entry + 8)) == Version) return entry + 4;
                }
            }
        }

        return -1;
    }

    private static string NameAt(byte[] elf, int offset)
    {
        var end = Array.IndexOf(elf, (byte)0, offset);
        return Encoding.ASCII.GetString(elf, offset, end - offset);
    }
}
